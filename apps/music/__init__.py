"""Four-part chorales: composed note by note, written as MIDI, MusicXML, picture and sound."""
