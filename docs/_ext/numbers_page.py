"""numbers_page"""


def write(docs):
    pass
