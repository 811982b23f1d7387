"""Hidden states of the test texts: how they are computed and stored."""
