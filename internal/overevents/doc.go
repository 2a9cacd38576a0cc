// Package overevents runs an http.Handler as the app of a conversation of events:
// below middleware that wraps the conn, on the bridge, or in a test. The handler
// sees what it would see on net/http's own server.
//
// What no event says is done by the Server at the bottom of the conversation, which
// the context knows: deadlines, full duplex, pushes, informational answers and
// hijacking pass by whatever wraps the conn. Where there is none, as in a test, these
// fail with http.ErrNotSupported.
//
// What cannot be had: the type of the server's own ResponseWriter, by which
// http.MaxBytesReader has the connection closed; a Content-Length with a sign, which
// net/http passes on for the client to refuse; and, without a Server, statuses that
// are no event's (beyond 599, and 101).
package overevents
