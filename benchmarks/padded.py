"""The training loop of AttentionExplanation (Jain & Wallace 2019), written from its description.

Each batch is padded to its longest text. A bidirectional LSTM reads packed sequences. The loss is
binary cross-entropy with logits. Two Adam optimizers with AMSGrad train the attention and the rest.
For every batch, Python lists become tensors and masks, and outputs and attention become NumPy
arrays. No code of AttentionExplanation is copied. The architecture is that of
`training.classifier("bilstm", "additive", "softmax")`.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from attinfo.data.texts import Texts


class Padded(nn.Module):
    """Embedding, BiLSTM, additive attention and an output layer.

    Args:
        vocabulary: number of words.
        embedding: width of a word vector.
        width: width of a state, both directions together.
    """

    def __init__(self, vocabulary: int, embedding: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding, padding_idx=0)
        self.lstm = nn.LSTM(embedding, width // 2, batch_first=True, bidirectional=True)
        self.inward, self.score = nn.Linear(width, width // 2), nn.Linear(width // 2, 1, bias=False)
        self.output = nn.Linear(width, 1)

    def forward(
        self, tokens: torch.Tensor, lengths: torch.Tensor, masks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute logits and attention.

        Args:
            tokens: [B, T] word ids, 0 for padding.
            lengths: [B] number of words.
            masks: [B, T] True at padding.

        Returns:
            [B, 1] logits and [B, T] attention weights.
        """
        packed = pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        score = self.score(torch.tanh(self.inward(hidden)))[..., 0]
        attention = score.masked_fill(masks, -torch.inf).softmax(1)
        return self.output((attention[..., None] * hidden).sum(1)), attention


def steps(
    texts: Texts, chosen: list[np.ndarray], sizes: tuple[int, int, int]
) -> Callable[[], None]:
    """A function that trains a new model once on each batch.

    Args:
        texts: texts with labels 0 and 1.
        chosen: indices of the texts of each batch.
        sizes: vocabulary, embedding and width of the model.
    """
    model = Padded(*sizes)
    model.train()
    attention = [*model.inward.parameters(), *model.score.parameters()]
    apart = {id(p) for p in attention}
    rest = [p for p in model.parameters() if id(p) not in apart]
    optimizers = [
        torch.optim.Adam(rest, lr=0.001, weight_decay=1e-5, amsgrad=True),
        torch.optim.Adam(attention, lr=0.001, weight_decay=0, amsgrad=True),
    ]
    loss_of = nn.BCEWithLogitsLoss(reduction="none")
    lists = [
        texts.token_ids[start:end].tolist()
        for start, end in zip(texts.offsets[:-1], texts.offsets[1:], strict=True)
    ]

    def run() -> None:
        outputs, weights = [], []
        for own in chosen:
            documents = [lists[i] for i in own]
            longest = max(map(len, documents))
            padded = [[*words, *[0] * (longest - len(words))] for words in documents]
            masks = [[0] * len(words) + [1] * (longest - len(words)) for words in documents]
            tokens, lengths = torch.tensor(padded), torch.tensor([len(d) for d in documents])
            logits, attended = model(tokens, lengths, torch.tensor(masks).bool())
            target = torch.tensor([[int(texts.labels[i])] for i in own]).float()
            loss = loss_of(logits, target).mean(1).sum()
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            outputs.append(torch.sigmoid(logits).detach().numpy())
            weights.append(attended.detach().numpy())

    return run
