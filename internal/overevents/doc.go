// Package overevents runs an http.Handler as the app of a conversation of events:
// below middleware that wraps the conn, on the bridge, or in a test. The handler
// sees what it would see on net/http's own server, without the optional interfaces
// that events cannot honour (Hijacker, Pusher, deadlines).
package overevents
