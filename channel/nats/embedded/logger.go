package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// slogger is a server.Logger. What a server tells of its everyday life is for those
// who debug.
type slogger struct {
	logger *slog.Logger
	worst  atomic.Pointer[string]
	fatal  atomic.Bool
}

func (s *slogger) log(level slog.Level, format string, values []any) {
	logger := s.logger
	if logger == nil {
		logger = slog.Default()
	}
	text := fmt.Sprintf(format, values...)
	if level >= slog.LevelError {
		s.worst.Store(&text)
	}
	logger.Log(context.Background(), level, "nats: "+text)
}

// last returns the last error that was logged.
func (s *slogger) last() string {
	if text := s.worst.Load(); text != nil {
		return *text
	}
	return "it does not say why"
}

// Fatalf is called where the server would end its program if it were one.
func (s *slogger) Fatalf(format string, values ...any) {
	s.log(slog.LevelError, format, values)
	s.fatal.Store(true)
}

func (s *slogger) Noticef(format string, values ...any) { s.log(slog.LevelDebug, format, values) }
func (s *slogger) Warnf(format string, values ...any)   { s.log(slog.LevelWarn, format, values) }
func (s *slogger) Debugf(string, ...any)                {}
func (s *slogger) Tracef(string, ...any)                {}

// Errorf knows better what it means that a peer cannot be reached: it may start later, or
// end earlier, and the server goes on to try.
func (s *slogger) Errorf(format string, values ...any) {
	level := slog.LevelError
	if strings.HasPrefix(format, unreached) {
		if level = slog.LevelWarn; len(values) > 0 && values[0] == 1 {
			level = slog.LevelDebug
		}
	}
	s.log(level, format, values)
}

const (
	unreached = "Error trying to connect to route" // followed by how often it was tried

	reports = 30 // one attempt of so many is told, of one a second
)
