package redis

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/redis/rueidis"
)

// session is one connection of a line.
type session struct {
	line   *line
	client rueidis.DedicatedClient
	gone   <-chan error // has why the connection ended
	master string       // who it was when the connection was made, if sentinels tell

	delivering sync.Mutex // held while a message is handed over
	over       bool
}

func newSession(l *line, node rueidis.Client) *session {
	s := &session{line: l}
	s.client, _ = node.Dedicate() // given back by Close
	s.gone = s.client.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: s.message, OnSubscription: s.subscription,
	})
	return s
}

func (s *session) message(message rueidis.PubSubMessage) {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	if !s.over && s.line.t.work.Err() == nil {
		s.line.t.dispatch(s.line, message)
	}
}

// subscription hears that the server has ended a subscription by itself, for the slot
// has moved to another.
func (s *session) subscription(change rueidis.PubSubSubscription) {
	if change.Kind != "sunsubscribe" {
		return
	}
	t := s.line.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if top := t.topics[change.Channel]; top != nil && top.line == s.line && top.on {
		t.astray(top)
	}
}

// check returns why the server is none to subscribe at.
func (s *session) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.line.t.options.Timeout)
	defer cancel()
	role, err := roleOf(ctx, s.client)
	if err == nil && role != "master" {
		err = errNotMaster
	}
	return err
}

// end closes the connection. When it returns nothing of it is handed over any more,
// unless the transport is being closed.
func (s *session) end() {
	s.client.Close()
	if s.line.t.work.Err() != nil {
		return // perhaps by deliver itself
	}
	s.delivering.Lock()
	defer s.delivering.Unlock()
	s.over = true
}

// apply has the server know of topics what is wanted of them.
func (s *session) apply(ctx context.Context, batch []*topic, strays []string) error {
	wanted, unwanted := s.line.sort(batch)
	orders := s.unsubscribe(append(unwanted, strays...))
	for _, group := range s.line.grouped(wanted) {
		orders = append(orders, s.subscribe(group))
	}
	alone, err := s.give(ctx, orders)
	if err != nil || len(alone) == 0 {
		return err
	}
	orders = nil // one of each of these groups is not permitted: which?
	for _, top := range alone {
		orders = append(orders, s.subscribe([]*topic{top}))
	}
	_, err = s.give(ctx, orders)
	return err
}

// order is a command, and the topics that it subscribes to, if it does.
type order struct {
	command rueidis.Completed
	topics  []*topic
}

// give sends orders all at once. It returns topics that have to be tried one by one.
func (s *session) give(ctx context.Context, orders []order) (alone []*topic, err error) {
	if len(orders) == 0 {
		return nil, nil
	}
	commands := make([]rueidis.Completed, len(orders))
	for i, order := range orders {
		commands[i] = order.command
	}
	for i, result := range s.client.DoMulti(ctx, commands...) {
		topics := orders[i].topics
		var answer *rueidis.RedisError
		err = result.Error()
		switch {
		case err == nil:
			s.line.confirm(topics)
		case !errors.As(err, &answer):
			return nil, err
		case topics == nil: // what the server does not know of need not be ended
		case redirected(answer):
			s.line.astray(topics)
		case !strings.HasPrefix(answer.Error(), "NOPERM"):
			return nil, err // CLUSTERDOWN, LOADING: a new connection may do better
		case len(topics) > 1:
			alone = append(alone, topics...)
		default:
			s.line.deny(topics[0], err)
		}
	}
	return alone, nil
}

func redirected(answer *rueidis.RedisError) bool {
	_, redirected := answer.IsRedirect()
	_, moved := answer.IsMoved()
	_, asks := answer.IsAsk()
	return redirected || moved || asks
}

func (s *session) subscribe(group []*topic) order {
	channels := make([]string, len(group))
	for i, top := range group {
		channels[i] = top.channel
	}
	if s.line.t.sharded {
		return order{s.client.B().Ssubscribe().Channel(channels...).Build(), group}
	}
	return order{s.client.B().Subscribe().Channel(channels...).Build(), group}
}

func (s *session) unsubscribe(channels []string) (orders []order) {
	if !s.line.t.sharded {
		if len(channels) == 0 {
			return nil
		}
		command := s.client.B().Unsubscribe().Channel(channels...).Build()
		return []order{{command: command}}
	}
	for _, channel := range channels { // one by one: they are of many slots
		command := s.client.B().Sunsubscribe().Channel(channel).Build()
		orders = append(orders, order{command: command})
	}
	return orders
}
