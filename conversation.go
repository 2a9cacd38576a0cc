package parley

import "time"

// Conversation is what an operator sees of one conversation: who talks, since when,
// and how much waits. What clients and users name is cut to a bounded length; the
// query of a URL, which may hold secrets, is left out.
type Conversation struct {
	// ID names the conversation within this process. It is no secret.
	ID uint64

	Protocol  Protocol
	Transport string // "HTTP/1.1", "HTTP/2.0"; of a fallback session "fallback"
	Route     string // the pattern of the route, where a router has told it
	Path      string
	Client    string // its address, as the transport sees it
	User      string // who is logged in, by the ID of package auth; "" for nobody
	Begun     time.Time
	Open      bool // the handshake was accepted; of HTTP always true

	// Queued and QueuedBytes are what waits for the client to take it, Unread
	// what the app has not received of it.
	Queued, QueuedBytes int
	Unread              int

	// Messages and bytes from the client and to it, payload as it was on the wire.
	// Of HTTP they are not counted.
	MessagesIn, BytesIn   uint64
	MessagesOut, BytesOut uint64
}

// Ending is how a conversation has ended.
type Ending struct {
	Conversation
	Ended time.Time
	Code  CloseCode // of HTTP the one that a socket would have got
	Cause error     // never nil
}
