package pgstore

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestR26_ServerSpeaksGerman tells a commit that the server refused from one whose outcome is unknown, whatever
// language the server's messages are in.
func TestR26_ServerSpeaksGerman(t *testing.T) {
	for _, c := range []struct {
		answer  pgconn.PgError
		refused bool
	}{
		{pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "40P01"}, true},
		{pgconn.PgError{Severity: "FEHLER", SeverityUnlocalized: "ERROR", Code: "40P01"}, true},
		{pgconn.PgError{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "57P01"}, false},
		{pgconn.PgError{Severity: "PANIK", SeverityUnlocalized: "PANIC", Code: "XX000"}, false},
	} {
		if got := refused(fmt.Errorf("commit: %w", &c.answer)); got != c.refused {
			t.Errorf("R26: the answer %v: refused is %v, want %v", &c.answer, got, c.refused)
		}
	}
}
