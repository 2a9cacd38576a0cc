package sse

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/parleygo/parley"
)

// Retry returns how long a client that is sent away with code had better wait before
// it comes back, or zero where it is not worth coming back. Part of it is chance, so
// that the clients of a server that restarts do not come all at once.
func Retry(code parley.CloseCode) time.Duration {
	switch code {
	case parley.CloseServiceRestart, parley.CloseTryAgainLater, parley.CloseGoingAway:
		return time.Second + rand.N(2*time.Second).Round(time.Millisecond)
	}
	return 0
}

// goodbye is what a stream says when cause ends it from outside.
func goodbye(cause error) []byte {
	code := parley.CodeOf(cause)
	data := `{"code":` + strconv.Itoa(int(code)) + "}"
	text, _ := Event{Name: "close", Retry: Retry(code), Data: data}.AppendText(nil) // the name is ours
	return text
}
