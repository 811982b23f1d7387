"""An estimator: normal classes with one variance for all features."""

import torch

from attinfo.information.sample import Measured, Sample, from_log_ratio


def spheres(sample: Sample) -> Measured:
    """Information by the posterior of normal classes N(mean of the class, variance * identity).

    Means and variance are fitted to the texts outside the fold of the state (cross-fitting), for
    the outputs and for each permutation of them.

    Args:
        sample: [n, d] states, [texts, 1 + P] outputs and the folds of the texts.

    Returns:
        Pointwise information of each state, and the permutation null, in nats.
    """
    hidden, indicator = sample.hidden.double(), sample.indicator.double()  # [n, d], [1 + P, n, C]
    log_ratio, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for held_out in sample.members:
        fitted = torch.ones(len(hidden), dtype=torch.bool)
        fitted[held_out] = False
        known, states = indicator[:, fitted], hidden[fitted]
        count = known.sum(1)  # [1 + P, C]
        mean = known.mT @ states / count.clamp(min=1)[..., None]  # [1 + P, C, d]
        between = (count * mean.square().sum(2)).sum(1)
        variance = (states.square().sum() - between) / states.numel()  # [1 + P], within classes
        prior = ((count + 1) / (count + 1).sum(1, keepdim=True)).log()[:, None]  # [1 + P, 1, C]
        distance = torch.cdist(hidden[held_out].expand(len(mean), -1, -1), mean).square()
        posterior = (prior - distance / (2 * variance[:, None, None])).log_softmax(2)
        log_ratio[:, held_out] = posterior - prior
        log_prior[:, held_out] = prior.expand_as(posterior)
    return from_log_ratio(log_ratio, log_prior, sample)


if __name__ == "__main__":
    from attinfo.information.sample import folds, with_permutations

    torch.manual_seed(0)
    output = torch.arange(2000) % 2
    sample = Sample(
        hidden=torch.randn(2000, 4) + output[:, None],  # class means are 2 apart
        text=torch.arange(2000),
        output=with_permutations(output, 19, seed=0),
        classes=2,
        fold=folds(output, 5, seed=0),
    )
    found = spheres(sample)
    print(f"{found.pvi.mean():.3f} nats, permutation null {found.null.mean():.3f}")
