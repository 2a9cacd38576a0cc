from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render


@login_required
def notes(request):
    if request.method == "POST":
        note = {"type": "note.new", "by": request.user.get_username(), "text": request.POST["text"]}
        async_to_sync(get_channel_layer().group_send)("notes", note)
        return HttpResponse(status=204)
    return render(request, "notes.html")
