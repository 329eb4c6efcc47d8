"""Tables from files and by name, split and standardised."""

from regnet.tables import datasets
from regnet.tables.encoder import TableEncoder
from regnet.tables.encoding import EncodedColumn

__all__ = ["EncodedColumn", "TableEncoder", "datasets"]
