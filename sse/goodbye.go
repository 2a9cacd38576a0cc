package sse

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/parleygo/parley"
)

// Goodbye is what a stream says when cause ends it from outside: an event named
// "close", with the close code that a WebSocket would have got,
//
//	event: close
//	data: {"code":1012}
//
// and, where it is worth coming back, a time to wait: retry, and up to as much
// again by chance, so that the clients of a server that restarts do not come all
// at once.
func Goodbye(cause error, retry time.Duration) []byte {
	code := parley.CodeOf(cause)
	event := Event{Name: "close"}
	switch code {
	case parley.CloseServiceRestart, parley.CloseTryAgainLater, parley.CloseGoingAway:
		event.Retry = retry + rand.N(retry+1)
	}
	data, _ := json.Marshal(struct {
		Code parley.CloseCode `json:"code"`
	}{code})
	event.Data = string(data)
	text, _ := event.AppendText(nil) // the name is ours
	return text
}
