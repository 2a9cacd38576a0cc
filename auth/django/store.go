package django

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Store has the sessions of a project.
type Store interface {
	// Load returns the session with a key, of letters and digits; nil, nil if there is
	// none. An error is trouble, and answered with 503.
	Load(ctx context.Context, key string) (*Stored, error)
}

// Stored is a session as it lies in a store.
type Stored struct {
	// Data is what Django has written: signed, as in the table django_session.
	Data string

	// Values, if set, go before Data: for a store that has already read what it holds.
	Values map[string]any

	// Expires is when the session ends; zero means that the store takes care of that.
	Expires time.Time
}

// StoreFunc makes a Store of a function.
type StoreFunc func(ctx context.Context, key string) (*Stored, error)

// Load calls f.
func (f StoreFunc) Load(ctx context.Context, key string) (*Stored, error) { return f(ctx, key) }

// Database reads the table django_session of a project that has USE_TZ, which is in UTC.
// The placeholder is the one of the database's driver: "?" or "$1".
func Database(db *sql.DB, placeholder string) Store {
	query := "SELECT session_data, expire_date FROM django_session WHERE session_key = " + placeholder
	return StoreFunc(func(ctx context.Context, key string) (*Stored, error) {
		var stored Stored
		var expires any
		err := db.QueryRowContext(ctx, query, key).Scan(&stored.Data, &expires)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err == nil {
			stored.Expires, err = timeOf(expires)
		}
		return &stored, err
	})
}

// timeOf reads a time as drivers return it.
func timeOf(value any) (time.Time, error) {
	switch value := value.(type) {
	case time.Time:
		return value, nil
	case []byte:
		return parseTime(string(value))
	case string:
		return parseTime(value)
	}
	return time.Time{}, fmt.Errorf("django: expire_date is a %T", value)
}

func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse("2006-01-02 15:04:05", text); err == nil { // with fractions too
		return at, nil
	}
	return time.Parse(time.RFC3339, text)
}

// validKey reports whether a cookie can be the key of a session.
func validKey(text string) bool {
	if len(text) < 8 || len(text) > 40 {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
