package channel

import "context"

// Transport carries envelopes between the layers of several processes. It knows
// nothing of names, groups or messages. Package channeltest proves one.
//
// What else a transport can do it says by further interfaces: QueueSubscriber, Log,
// Leases, Jobs, Interrupter and Foreign. Who needs one finds it by assertion.
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

// Interrupter is a Transport whose subscriptions can miss payloads, for its
// connection breaks, and that notices. Without it a layer's members are not told.
type Interrupter interface {
	// OnInterrupt sets what is called, on a goroutine of the transport, when
	// subscriptions were made again after an interruption, with their subjects:
	// those of Subscribe, QueueSubscribe and Follow, each once. What is published from
	// then on arrives. One interruption is one call, or few. f waits for no network.
	// OnInterrupt is called once, before any other method.
	OnInterrupt(f func(subjects []string))
}

// Foreign is a Transport that also reaches programs that know no layers. They address
// the inbox "client.LAYER!RANDOM" by whatever stands up to the '!', so the subject of a
// direct send is "NAMESPACE.channel.client.LAYER!" over it, instead of
// "NAMESPACE.layer.LAYER".
type Foreign interface {
	Transport

	// Foreign does nothing but tell that the transport is one.
	Foreign()
}
