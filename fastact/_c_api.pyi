API: object
ADDRESS: int
