package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

// pull is a request for messages of a consumer.
type pull struct {
	Batch   int           `json:"batch"`
	NoWait  bool          `json:"no_wait,omitempty"` // only what is there
	Expires time.Duration `json:"expires,omitempty"`
}

// pull returns the messages that the server sends: all that it will, or until last says
// so. They are returned with an error as well. A server that does not answer is waited for
// no longer than Options.Timeout beyond what it was given.
func (t *Transport) pull(
	ctx context.Context, stream, consumer string, p pull, last func(*natsgo.Msg) bool,
) (messages []*natsgo.Msg, err error) {
	arrived := make(chan *natsgo.Msg, p.Batch+1)
	inbox := t.conn.NewInbox()
	sub, err := t.conn.ChanSubscribe(inbox, arrived)
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(p)
	subject := requests + "CONSUMER.MSG.NEXT." + stream + "." + consumer
	ctx, stop := t.denials.watch(ctx, subject, false)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, p.Expires+t.options.Timeout)
	defer cancel()
	if err == nil {
		err = t.conn.PublishRequest(subject, inbox, request)
	}
	if err == nil {
		messages, err = collect(ctx, arrived, p.Batch, last)
	}
	_ = sub.Unsubscribe()                // fails if there is no connection: it is over then
	for len(arrived) > 0 && err != nil { // jobs are held by whoever has them
		if m := <-arrived; !isStatus(m) {
			messages = append(messages, m)
		}
	}
	return messages, err
}

// collect takes what arrives for a pull.
func collect(
	ctx context.Context, arrived <-chan *natsgo.Msg, most int, last func(*natsgo.Msg) bool,
) (messages []*natsgo.Msg, err error) {
	for len(messages) < most {
		select {
		case m := <-arrived:
			if isStatus(m) {
				return messages, ending(m.Header.Get("Status"), m.Header.Get("Description"))
			}
			if messages = append(messages, m); last(m) {
				return messages, nil
			}
		case <-ctx.Done():
			return messages, context.Cause(ctx)
		}
	}
	return messages, nil
}

func isStatus(m *natsgo.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") != "" }

// errPassed says that a consumer is not where it was, or is not any more.
var errPassed = errors.New("JetStream has moved the consumer")

// passed are what a server says then to those who wait.
var passed = []string{"Leadership Change", "Consumer Deleted", "Server Shutdown"}

// ending returns the error of a status, which comes behind the last message.
func ending(status, description string) error {
	switch {
	case status == "404", status == "408": // there is nothing, or it took too long
		return nil
	case status == "503":
		return natsgo.ErrNoResponders
	case status == "409" && slices.Contains(passed, description):
		return fmt.Errorf("%w: %s", errPassed, description)
	}
	return fmt.Errorf("JetStream says %s %s", status, description)
}
