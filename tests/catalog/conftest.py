from tests.sellers.stage import stage

__all__ = ["stage"]
