package sharingtest_test

import (
	"testing"

	"github.com/imageshare/sharing/sharingtest"
)

func TestModelJudgesItself(t *testing.T) {
	sharingtest.Run(t, func(_ sharingtest.TB, setup sharingtest.Setup) sharingtest.Subject {
		return sharingtest.Subject{System: sharingtest.NewModel(setup)}
	}, sharingtest.Explanations, sharingtest.Failures)
}
