from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


def tell_of_logout(sender, user, **kwargs):
    """Has the Go program close what the user has open."""
    if user is not None:
        message = {"type": "account.left", "user": str(user.pk)}
        async_to_sync(get_channel_layer().group_send)("accounts", message)


class BoardConfig(AppConfig):
    name = "board"

    def ready(self):
        user_logged_out.connect(tell_of_logout)
