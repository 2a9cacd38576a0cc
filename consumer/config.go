package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// config is what the options come to.
type config struct {
	Options
	layerHandlers map[string]layerHandler
	client        *clientHandler
	handlers      []handler // as they were given, for the checks
}

// handler is what Receive, On and Forward make.
type handler struct {
	what  string       // for panics: `On("room.line")`
	typ   string       // of layer messages, "" for Receive
	owner reflect.Type // of the consumer it is a method of, nil for Forward

	layer  layerHandler
	client clientHandler
}

// layerHandler handles one type of layer messages: nil forwards them.
type layerHandler func(ctx context.Context, conn *Conn, message channel.Message) error

// clientHandler handles the client's messages, decoded.
type clientHandler func(ctx context.Context, conn *Conn, data []byte) error

func (o Options) configure(c *config) { c.Options = o }

func (h handler) configure(c *config) { c.handlers = append(c.handlers, h) }

// build panics on mistakes in the wiring.
func (c *config) build(consumer reflect.Type, options []Option) {
	for _, option := range options {
		option.configure(c)
	}
	c.Options = c.Options.withDefaults()
	c.layerHandlers = make(map[string]layerHandler, len(c.handlers))
	for _, h := range c.handlers {
		if h.owner != nil && !consumer.AssignableTo(h.owner) {
			panic(fmt.Sprintf("consumer: New: %s is a handler of %v, not of %v", h.what, h.owner, consumer))
		}
		if h.typ == "" {
			c.setClient(h)
			continue
		}
		if _, twice := c.layerHandlers[h.typ]; twice {
			panic("consumer: New: two handlers for " + h.typ)
		}
		c.layerHandlers[h.typ] = h.layer
	}
	c.handlers = nil
	if len(c.layerHandlers) > 0 && c.Layer == nil {
		panic("consumer: New: handlers of layer messages without Options.Layer")
	}
}

func (c *config) setClient(h handler) {
	if c.client != nil {
		panic("consumer: New: two handlers made by Receive")
	}
	c.client = &h.client
}

func (o Options) withDefaults() Options {
	for _, group := range o.Groups {
		if _, err := channel.ParseGroup(string(group)); err != nil {
			panic("consumer: New: Options.Groups: " + err.Error())
		}
	}
	if len(o.Groups) > 0 && o.Layer == nil {
		panic("consumer: New: Options.Groups without Options.Layer")
	}
	setDefault(&o.Capacity.Messages, 256)
	setDefault(&o.Capacity.Bytes, 1<<20)
	setDefault(&o.Concurrency, 1)
	setDefault(&o.DisconnectTimeout, 10*time.Second)
	if o.Key == nil {
		o.Key = channel.Message.Type
	}
	if o.OrderBy == nil {
		o.OrderBy = func(parley.WebSocketReceive) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Codec = o.Codec.withDefaults()
	return o
}

// setDefault gives a setting that is not positive its default.
func setDefault[T int | int64 | time.Duration](setting *T, value T) {
	if *setting <= 0 {
		*setting = value
	}
}

func typeOf[C any]() reflect.Type { return reflect.TypeFor[C]() }
