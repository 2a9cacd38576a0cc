// Package overevents runs an http.Handler as the app of a conversation of events:
// below middleware that wraps the conn, on the bridge, or in a test. The handler
// sees what it would see on net/http's own server.
//
// What no event says is done by the Server at the bottom of the conversation, which
// the context knows: deadlines, full duplex, pushes, informational answers and
// hijacking pass by whatever wraps the conn. Where there is none, as in a test, these
// fail with http.ErrNotSupported.
//
// A WebSocket that the handler hijacks is the end of a tunnel, whether there is a Server
// or not: at its other end frames become events, and events frames. So a library's
// sockets stand below middleware, in tests, and on transports that know no frames.
//
// What is not as on net/http because it is better so: a body that ReadFrom would make
// longer than its Content-Length is stopped there, a client of HTTP/1.0 is sent no
// interim answers, and a Content-Length that is no number or has a sign goes out as a
// number or not at all.
//
// What cannot be had: the type of the server's own ResponseWriter, by which
// http.MaxBytesReader has the connection closed; a field of Set-Cookie or Vary that was
// set above the conversation, taken back (others can be); what a panic finds in which
// buffer; and, without a Server, statuses that are no event's (beyond 599, and 101). On a hijacked WebSocket: extensions, the peer's
// own pings and pongs, bytes that are no frames, anything said after the peer's goodbye,
// and the cutting of a connection by a handler that says none, which closes with 1000.
package overevents
