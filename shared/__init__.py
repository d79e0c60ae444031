"""What all four applications are made of; import the parts by name, nothing is loaded here."""
