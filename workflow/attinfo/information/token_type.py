"""Information in the word itself. Further information in a state comes from the context.

This is not a registered estimator, because its input is the words, not the states.
"""

import torch
from torch import Tensor

from attinfo.information.estimators.posterior import RARE
from attinfo.information.sample import Measured, Sample, from_log_ratio

WEIGHTS = (1.0, 4.0, 16.0, 64.0, 256.0)  # of the prior, in texts


class _Counts:
    """How many texts of each output have a word, by fold.

    Args:
        token_id: [n] the word of each state of the sample.
    """

    def __init__(self, token_id: Tensor, sample: Sample) -> None:
        texts, columns = sample.output.shape
        words, self._word = torch.unique(token_id, return_inverse=True)
        # A text counts once for a word, however often it has it.
        pair = torch.unique(self._word * texts + sample.text)
        word, text = pair // texts, pair % texts
        column = torch.arange(columns, device=word.device)
        cell = (word[:, None] * columns + column) * sample.classes + sample.output[text]
        shape = torch.Size((len(words), columns, sample.classes))
        members, indicator = sample.members, sample.indicator
        counts = [
            cell[sample.fold[text] == k].flatten().bincount(minlength=shape.numel()).view(shape)
            for k in range(len(members))
        ]
        self._held = torch.stack(counts).float()
        self._all = self._held.sum(0)
        self._tokens = torch.stack([indicator[:, rows].sum(1) for rows in members])

    def of(self, rows: Tensor, *left_out: int) -> tuple[Tensor, Tensor]:
        """n_wy [columns, rows, C] of the rows' words, and p(y) [columns, 1, C] among all tokens.

        Both from the folds that are not left out.

        Args:
            rows: [rows] of the sample.
        """
        word = self._word[rows]
        count, tokens = self._all[word], self._tokens.sum(0)
        for fold in left_out:
            count, tokens = count - self._held[fold, word], tokens - self._tokens[fold]
        prior = tokens / tokens.sum(1, keepdim=True)
        return count.transpose(0, 1), prior.clamp(min=RARE)[:, None]


def _smoothed(count: Tensor, prior: Tensor, weight: Tensor) -> Tensor:
    """[columns, rows, C] log q(y | w) = log (n_wy + a p(y)) / (n_w + a)."""
    return ((count + weight * prior) / (count.sum(2, keepdim=True) + weight)).log()


def token_type_probe(token_id: Tensor, sample: Sample) -> Measured:
    """Information in the word alone: cross-fitted, smoothed counts of the texts that have it.

    The weight of the prior is chosen for every column and held-out fold by the likelihood of
    tokens in other folds, under counts that saw neither fold.

    Args:
        token_id: [n] int64, the word of each state.
        sample: whose states are not looked at.
    """
    indicator, members = sample.indicator, sample.members
    counts = _Counts(token_id, sample)
    weights = indicator.new_tensor(WEIGHTS)
    log_ratio, log_prior = torch.empty_like(indicator), torch.empty_like(indicator)
    for fold, rows in enumerate(members):
        likelihood = indicator.new_zeros(len(weights), len(indicator))
        for k, inner in enumerate(members):
            if k != fold:
                count, prior = counts.of(inner, fold, k)
                own = indicator[:, inner]
                realised, share, texts = (count * own).sum(2), (prior * own).sum(2), count.sum(2)
                for place, weight in enumerate(weights):
                    own_class = (realised + weight * share) / (texts + weight)
                    likelihood[place] += own_class.log().sum(1)
        best = weights[likelihood.argmax(0)][:, None, None]
        count, prior = counts.of(rows, fold)
        log_prior[:, rows] = prior.log()
        log_ratio[:, rows] = _smoothed(count, prior, best) - prior.log()
    return from_log_ratio(log_ratio, log_prior, sample)
