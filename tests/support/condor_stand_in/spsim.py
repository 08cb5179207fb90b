"""Stands in for spsim, as far as it is recognized by its parts."""


def simulate_shot(molecule, options):
    raise NotImplementedError


def get_molecule_from_atoms(numbers, positions):
    raise NotImplementedError
