"""Classes."""


class Base:
    K = 5

    def ask(self):
        return self.answer() + self.K


class Model(Base):
    """A model."""
    scale: int = 1

    def __init__(self, size: int) -> None:
        self.size = size

    def answer(self) -> int:
        return self.size * self.scale


class Plain:
    kind = 'plain'

    def __init__(self, value):
        self.value = value
