// Package fallback serves WebSocket apps to clients that have no WebSocket, since
// some proxies let none through: by server-sent events or by long-poll, at the
// same URL. The app below does not notice: it has a handshake, messages and a
// disconnect as ever.
//
//	http.Handle("/chat", nethttp.Handler(fallback.New(chat, fallback.Options{})))
//
// What stands behind the app's conn is a fallback session, which outlives the
// requests by a lease ([Options]); what is sent meanwhile waits. Requests name the
// session in the header Parley-Session or the query parameter "session".
//
//   - GET with "Accept: text/event-stream" is a stream of server-sent events. It
//     begins with "event: open", whose data is {"session": id}. Messages follow
//     with ids, as they are if they are text, and as "event: binary" in base64 if
//     they are not. The last is "event: close" with {"code": …, "reason": …}, upon
//     which the client closes its EventSource. A client that comes back with
//     Last-Event-ID goes on where it was; if that is not possible any more it
//     gets a new session, which it sees by the id.
//   - GET without is a poll. The first one is answered at once, with
//     {"session": id, "cursor": 0, "messages": []}. The next ones carry the query
//     parameter "cursor" of the answer before, which confirms its messages, and
//     are held until there is news: {"cursor": n, "messages": [{"text": …},
//     {"binary": base64}], "closed": {"code": …}}. 404 means that the session is
//     over: the client begins anew.
//   - POST sends the body as one message, as text, or as binary if its type is
//     application/octet-stream. 204 means that it was taken; the answer waits
//     while the app is behind. 404 and 410 mean that the session is over.
//   - DELETE says goodbye.
//
// A denied handshake is the answer to the GET that would have opened the session.
// As the POSTs come one by one, so do the messages; a client that wants to keep
// their order waits for each answer.
package fallback
