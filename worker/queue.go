package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/wiring"
)

// Queue keeps messages at a broker until a worker has dealt with them, whoever is
// running when they are sent. Make one with NewQueue, and its workers with NewDurable.
// Its methods may be called from any goroutine.
type Queue struct {
	jobs      channel.Jobs
	namespace string
}

// QueueOptions of a Queue.
type QueueOptions struct {
	// Namespace is the first part of every subject of the transport, so that several
	// systems can share a broker. Default "parley".
	Namespace string
}

// NewQueue makes a Queue over a transport, which it does not close. It panics if there is
// none, or if the namespace is malformed.
func NewQueue(jobs channel.Jobs, options QueueOptions) *Queue {
	wiring.Need("worker: NewQueue", "transport", jobs)
	if options.Namespace == "" {
		options.Namespace = "parley"
	}
	if _, err := channel.ParseGroup(options.Namespace); err != nil {
		panic("worker: QueueOptions.Namespace: " + err.Error())
	}
	return &Queue{jobs: jobs, namespace: options.Namespace}
}

// Send keeps a message for the workers of a channel. When it has returned nil the
// message is as safe as the broker's memory. Nobody need listen yet.
func (q *Queue) Send(ctx context.Context, name channel.Name, message channel.Message) error {
	if err := checkGeneral(name); err != nil {
		return err
	}
	payload := channel.Parcel{Origin: "queue", Name: name, Message: message}.Payload()
	if _, ok := channel.OpenParcel(payload); !ok {
		return fmt.Errorf("worker: type %.120q: %w", message.Type(), channel.ErrName)
	}
	return q.jobs.Enqueue(ctx, q.subject(name), payload)
}

func (q *Queue) subject(name channel.Name) string {
	return q.namespace + ".job." + string(name)
}

// checkGeneral refuses names that lead to an inbox: no inbox takes part in this.
func checkGeneral(name channel.Name) error {
	_, err := channel.ParseGroup(string(name)) // the same rules
	return err
}

// deadEnd is what a channel's name ends with that has what failed for good.
const deadEnd = ".dead"

// dead returns where dead letters of a channel are kept, if they are.
func dead(name channel.Name) (channel.Name, bool) {
	kept := name + deadEnd
	return kept, !strings.HasSuffix(string(name), deadEnd) && checkGeneral(kept) == nil
}
