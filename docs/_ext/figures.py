"""figures"""


def write(docs):
    pass
