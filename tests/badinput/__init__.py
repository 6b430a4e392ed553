"""What happens to Caretaker when everything around it is wrong: each trouble one clear message, everything else goes on."""
