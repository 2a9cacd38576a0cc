package nethttp

import (
	"errors"
	"iter"
	"slices"
	"strconv"

	"github.com/parleygo/parley"
)

// CloseCodes counts WebSockets by the close codes they ended with. Codes that a peer
// can make up have no count of their own.
type CloseCodes [len(closeCodes) + 3]uint64

// The codes with a count of their own.
var closeCodes = [...]parley.CloseCode{
	1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
	parley.CloseUnauthorized, parley.CloseIdle, parley.CloseRateLimited,
}

// All returns the counts by the code: a number, or "3xxx", "4xxx" and "other" for
// those of libraries, of apps, and for the rest.
func (c CloseCodes) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i, n := range c {
			if !yield(codeLabel(i), n) {
				return
			}
		}
	}
}

func codeLabel(index int) string {
	if index < len(closeCodes) {
		return strconv.Itoa(int(closeCodes[index]))
	}
	return [...]string{"3xxx", "4xxx", "other"}[index-len(closeCodes)]
}

func codeIndex(code parley.CloseCode) int {
	index := slices.Index(closeCodes[:], code)
	switch {
	case index >= 0:
		return index
	case code >= 3000 && code < 4000:
		return len(closeCodes)
	case code >= 4000 && code < 5000:
		return len(closeCodes) + 1
	}
	return len(closeCodes) + 2
}

// CloseCauses counts WebSockets by what has ended them.
type CloseCauses [len(closeCauses) + 2]uint64

// closeCauses are the causes that count, by name. The first that matches is meant:
// disconnected matches all that the peer has done.
var closeCauses = [...]struct {
	name   string
	causes []error
}{
	{"slow_consumer", []error{parley.ErrSlowConsumer}},
	{"draining", []error{parley.ErrDraining}},
	{"idle", []error{parley.ErrIdle}},
	{"auth_expired", []error{parley.ErrAuthExpired}},
	{"kicked", []error{parley.ErrKicked}},
	{"too_old", []error{parley.ErrTooOld}},
	{"too_large", []error{parley.ErrTooLarge}},
	{"rate_limited", []error{parley.ErrRateLimited}},
	{"overloaded", []error{parley.ErrOverloaded}},
	{"peer_error", []error{
		parley.ErrPeerProtocol, parley.ErrInvalidPayload, parley.ErrUnsupportedData}},
	{"app_error", []error{parley.ErrAppPanic, parley.ErrGoexit, parley.ErrIncomplete}},
	{"app_returned", []error{parley.ErrFinished}},
	{"app_closed", []error{parley.ErrClosed}},
	{"disconnected", []error{parley.ErrDisconnected}},
}

// All returns the counts by the name of the cause, which is one of few.
func (c CloseCauses) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i, n := range c {
			if !yield(causeName(i), n) {
				return
			}
		}
	}
}

func causeName(index int) string {
	if index < len(closeCauses) {
		return closeCauses[index].name
	}
	return [...]string{"peer_closed", "other"}[index-len(closeCauses)]
}

func causeIndex(cause error) int {
	if errors.As(cause, new(*parley.CloseError)) {
		return len(closeCauses)
	}
	for i, known := range closeCauses {
		if slices.ContainsFunc(known.causes, func(err error) bool { return errors.Is(cause, err) }) {
			return i
		}
	}
	return len(closeCauses) + 1
}
