package protocol

import "github.com/parleygo/parley"

// What a client asks to see whether anybody is there, and what it gets, as text
// messages: a page can neither send a ping frame nor see a pong.
const (
	Ping = `{"type":"parley.ping"}`
	Pong = `{"type":"parley.pong"}`
)

// IsPing reports whether a message is the question.
func IsPing(typ parley.MessageType, data []byte) bool {
	return typ == parley.TextMessage && string(data) == Ping
}

// Heart is a live Conn that can answer pings itself, which then do not reach the app:
// those that come in while the app is busy. Others the app has to answer.
type Heart interface {
	Beat()
}

// Beat has the Heart below conn beat, if there is one.
func Beat(conn parley.Conn) {
	if heart, ok := below[Heart](conn); ok {
		heart.Beat()
	}
}
