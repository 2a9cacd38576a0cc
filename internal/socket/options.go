package socket

import (
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/options"
)

// complete fills in the defaults.
func complete(o parley.SocketOptions) parley.SocketOptions {
	const name = "parley: SocketOptions."
	o.MaxMessage = options.Limit(o.MaxMessage, 1<<20)
	o.ReadAhead = options.Positive(name+"ReadAhead", o.ReadAhead, 32)
	o.QueueMessages = options.Limit(o.QueueMessages, 256)
	o.QueueBytes = options.Limit(o.QueueBytes, 1<<20)
	o.WriteTimeout = options.Limit(o.WriteTimeout, 10*time.Second)
	if o.PingInterval == 0 { // negative: never
		o.PingInterval = 25 * time.Second
	}
	o.PongTimeout = options.Positive(name+"PongTimeout", o.PongTimeout, 20*time.Second)
	o.CloseTimeout = options.Positive(name+"CloseTimeout", o.CloseTimeout, 5*time.Second)
	o.DeflateThreshold = options.Positive(name+"DeflateThreshold", o.DeflateThreshold, 512)
	return o
}
