"""terminal"""


def write(docs):
    pass
