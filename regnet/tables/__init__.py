"""Tables from files and by name, split and standardised."""

from regnet.tables.encoder import EncodedColumn, TableEncoder

__all__ = ["EncodedColumn", "TableEncoder"]
