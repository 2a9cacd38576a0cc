package channel

import "context"

// Transport carries envelopes between the layers of several processes. It knows
// nothing of names, groups or messages. Package channeltest proves one.
//
// A subject is at most 255 bytes of ASCII letters, digits and "-_.!". Payloads
// are never changed after they were handed over, by neither side.
//
// Methods may be called from any goroutine.
type Transport interface {
	// Publish brings a payload to every subscription to subject, those of this
	// transport value included. What one goroutine publishes on one subject
	// arrives in order. Publish returns when the payload is on its way; it may
	// wait until ctx ends. Nobody being subscribed is not an error.
	Publish(ctx context.Context, subject string, payload []byte) error

	// Subscribe calls deliver with every payload whose Publish began after
	// Subscribe returned. Calls of one subscription do not overlap unless they
	// come from different publishers. deliver does not block. ctx bounds the
	// subscribing, not the subscription.
	Subscribe(ctx context.Context, subject string, deliver func(payload []byte)) (Subscription, error)

	// Close ends all subscriptions and gives back everything the transport
	// holds. Afterwards Publish and Subscribe return an error. Closing again does
	// nothing.
	Close(ctx context.Context) error
}

// Subscription is the interest in one subject.
type Subscription interface {
	// Unsubscribe ends it without waiting for a network. A payload that is under
	// way may still be delivered.
	Unsubscribe() error
}

// QueueSubscriber is a Transport that can also share the payloads of a subject
// out among its subscribers. General names over a transport need it: without it
// Layer.Open refuses them with an error that is errors.ErrUnsupported.
type QueueSubscriber interface {
	// QueueSubscribe is as Subscribe, but each payload goes to exactly one of all
	// the subscriptions that QueueSubscribe has made to this subject.
	QueueSubscribe(
		ctx context.Context, subject string, deliver func(payload []byte),
	) (Subscription, error)
}
