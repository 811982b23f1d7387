"""Hidden states of the test texts: computed by `extract`, written and read by `store`."""
