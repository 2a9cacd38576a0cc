package consumer

import (
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/options"
)

// config is what the options come to.
type config struct {
	options       Options
	layerHandlers map[string]layerHandler
	client        *clientHandler
	types         map[string]typedHandler // of the client's messages; nil without
	varies        bool                    // the constructor returns an interface: see fits
	forwards      bool                    // something goes to clients as it is

	handlers []handler // as they were given, for the checks
	settings int       // how many Options there were
}

func (o Options) configure(c *config) {
	c.options = o
	c.settings++
}

func (h handler) configure(c *config) { c.handlers = append(c.handlers, h) }

// build panics on mistakes in the wiring.
func (c *config) build(consumer reflect.Type, options []Option) {
	for _, option := range options {
		if option == nil {
			panic("consumer: New: nil among its options")
		}
		option.configure(c)
	}
	if c.settings > 1 {
		panic("consumer: New: two Options, of which one would not hold")
	}
	c.varies = consumer.Kind() == reflect.Interface
	c.options = c.options.withDefaults()
	c.layerHandlers = make(map[string]layerHandler, len(c.handlers))
	for _, h := range c.handlers {
		c.add(h, consumer)
	}
	c.handlers = nil
	c.forwardNotices()
	if misfit := c.misfit(consumer); misfit != "" {
		panic("consumer: New: " + misfit)
	}
	if len(c.layerHandlers) > 0 && c.options.Layer == nil {
		panic("consumer: New: handlers of layer messages without Options.Layer")
	}
}

func (c *config) add(h handler, consumer reflect.Type) {
	if h.owner != nil && !consumer.AssignableTo(h.owner) {
		panic(fmt.Sprintf("consumer: New: %s is a handler of %v, not of %v", h.what, h.owner, consumer))
	}
	if h.typed != nil {
		c.addTyped(h)
		return
	}
	if h.typ == "" {
		if c.client != nil {
			panic("consumer: New: two handlers made by Receive")
		}
		c.client = &h.client
		return
	}
	if _, twice := c.layerHandlers[h.typ]; twice {
		panic("consumer: New: two handlers for " + h.typ)
	}
	c.layerHandlers[h.typ] = h.layer
}

func (o Options) withDefaults() Options {
	for _, group := range o.Groups {
		if _, err := channel.ParseGroup(string(group)); err != nil {
			panic("consumer: Options.Groups: " + err.Error())
		}
	}
	switch {
	case len(o.Groups) > 0 && o.Layer == nil:
		panic("consumer: Options.Groups without Options.Layer")
	case o.Unknown > UnknownClose:
		panic(fmt.Sprintf("consumer: Options.Unknown: there is no policy %d", o.Unknown))
	case o.UnknownType > UnknownClose:
		panic(fmt.Sprintf("consumer: Options.UnknownType: there is no policy %d", o.UnknownType))
	case o.Policy > channel.Coalesce:
		panic(fmt.Sprintf("consumer: Options.Policy: there is no policy %d", o.Policy))
	}
	o.Capacity.Messages = options.Limit(o.Capacity.Messages, 256)
	o.Capacity.Bytes = options.Limit(o.Capacity.Bytes, 1<<20)
	o.Concurrency = options.Positive("consumer: Options.Concurrency", o.Concurrency, 1)
	o.RequestTimeout = options.Limit(o.RequestTimeout, 10*time.Second)
	o.DisconnectTimeout = options.Limit(o.DisconnectTimeout, 10*time.Second)
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

func typeOf[C any]() reflect.Type { return reflect.TypeFor[C]() }
