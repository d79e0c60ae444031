"""What all applications are made of; import the parts by name, nothing is loaded here."""

__version__ = "0.1.0"
