package nats

import (
	"fmt"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/parleygo/parley/channel"
)

// What a log keeps is said by its newest entry, in a header: a stream has bounds for all
// its subjects together only. Readers see what is within, and what is beyond is purged
// now and then.
const keepHeader = "Parley-Keep"

func keepText(keep channel.Keep) string {
	return fmt.Sprintf("%d %d %d", keep.Messages, keep.Age, keep.Bytes)
}

func keepOf(header natsgo.Header) (keep channel.Keep, ok bool) {
	n, _ := fmt.Sscanf(header.Get(keepHeader), "%d %d %d", &keep.Messages, &keep.Age, &keep.Bytes)
	return keep, n == 3
}

// window returns the index of the oldest of an entry's messages that is kept: their
// number if none is.
func window(messages []kept, now time.Time) (first int) {
	first = len(messages)
	if first == 0 {
		return 0
	}
	keep, ok := keepOf(messages[first-1].header)
	if !ok {
		return first
	}
	bytes := 0
	for i := len(messages) - 1; i >= 0; i-- {
		m := &messages[i]
		bytes += m.size()
		over := len(messages)-i > keep.Messages || bytes > keep.Bytes
		if now.Sub(m.at) >= keep.Age || over && first < len(messages) {
			break
		}
		first = i
	}
	return first
}
