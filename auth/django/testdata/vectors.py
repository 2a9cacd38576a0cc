"""What a real Django writes, as JSON: sessions in both forms, and the hash of a password."""
import json
import sys

import django
from django.conf import settings

secret, password = sys.argv[1], sys.argv[2]
settings.configure(
    SECRET_KEY=secret,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
)
django.setup()

from django.contrib.auth.models import User
from django.contrib.sessions.backends import db, signed_cookies

digest = User(password=password).get_session_auth_hash()
login = {"_auth_user_id": "7", "_auth_user_backend": "django.contrib.auth.backends.ModelBackend", "_auth_user_hash": digest}


def cookie(values):
    store = signed_cookies.SessionStore()
    store.update(values)
    store.save()
    return store.session_key


def row(values):
    return db.SessionStore().encode(values)


more = dict(login, text="é\u2028\U0001F600", basket=list(range(500)))
short = dict(login, _session_expiry=60)
print(json.dumps({
    "hash": digest,
    "cookies": [cookie(login), cookie(more), cookie(short)],
    "rows": [row(login), row(more), row(short)],
    "anonymous": cookie({"theme": "dark"}),
}))
