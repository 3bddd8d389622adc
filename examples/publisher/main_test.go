package main

import (
	"strings"
	"testing"

	"github.com/imageshare/sharing/examples/internal/golden"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Error(err)
	}
	golden.Check(t, "testdata/publisher.txt", out.String())
}
