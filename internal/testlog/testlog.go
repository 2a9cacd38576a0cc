// Package testlog has a log for tests, which they may read while others write to it.
package testlog

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Lines are the lines of a log. The zero value is an empty one.
type Lines struct {
	mu   sync.Mutex
	list []string
}

// Logger writes to l.
func (l *Lines) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Write takes a line.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(line))
	return len(line), nil
}

// All returns the lines so far.
func (l *Lines) All() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.list)
}

// Len returns how many there are.
func (l *Lines) Len() int { return len(l.All()) }

// String returns all of them.
func (l *Lines) String() string { return strings.Join(l.All(), "") }
