"""The transaction of store/interface.py in SQLAlchemy Core. Only `bulk` knows which database it is on."""
