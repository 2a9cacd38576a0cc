from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from .views import notes

urlpatterns = [
    path("", notes, name="notes"),
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
