package parley

// LifespanStartup is received first in a Lifespan conversation, before the
// server accepts its first connection.
type LifespanStartup struct{}

// LifespanStartupComplete is sent when the app is ready.
type LifespanStartupComplete struct{}

// LifespanStartupFailed is sent when the app can't start: the server gives up.
type LifespanStartupFailed struct {
	Message string
}

// LifespanShutdown is received after the last connection ended.
type LifespanShutdown struct{}

// LifespanShutdownComplete is sent when the app has cleaned up.
type LifespanShutdownComplete struct{}

// LifespanShutdownFailed is sent when cleaning up failed. The process ends all
// the same.
type LifespanShutdownFailed struct {
	Message string
}

func (LifespanStartup) EventType() string          { return "lifespan.startup" }
func (LifespanStartupComplete) EventType() string  { return "lifespan.startup.complete" }
func (LifespanStartupFailed) EventType() string    { return "lifespan.startup.failed" }
func (LifespanShutdown) EventType() string         { return "lifespan.shutdown" }
func (LifespanShutdownComplete) EventType() string { return "lifespan.shutdown.complete" }
func (LifespanShutdownFailed) EventType() string   { return "lifespan.shutdown.failed" }
