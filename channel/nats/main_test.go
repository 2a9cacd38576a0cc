package nats_test

import (
	"testing"

	"go.uber.org/goleak"
)

// nats-server leaves these behind where a replica is being made while it shuts down.
var left = []goleak.Option{
	goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
	goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, left...) }
