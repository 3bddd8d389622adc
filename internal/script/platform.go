package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

func allowGrantees(w *world, a args) (string, error) { return w.setLimit(a, &w.policy.MaxShares) }
func allowImages(w *world, a args) (string, error)   { return w.setLimit(a, &w.policy.MaxImages) }

func (w *world) setLimit(a args, limit *int) (string, error) {
	number, err := a.number()
	if err != nil {
		return "", err
	}
	*limit = number
	return "", w.restart()
}

func requireAcceptance(w *world, _ args) (string, error) {
	w.policy.RequireAcceptance = true
	return "", w.restart()
}

func blockPublic(w *world, _ args) (string, error) {
	w.policy.BlockPublic = true
	return "", w.restart()
}

func refuseGrantees(w *world, a args) (string, error) {
	w.refused = a.accounts()
	return "", w.restart()
}

func organisation(w *world, a args) (string, error) {
	if w.organizations == nil {
		w.organizations = make(map[sharing.OrganizationID][]sharing.AccountID)
	}
	w.organizations[sharing.OrganizationID(a["ORGANISATION"])] = a.accounts()
	return "", w.restart()
}

func directoryFails(w *world, _ args) (string, error) {
	w.directoryDown = true
	return "", nil
}

func directoryWorks(w *world, _ args) (string, error) {
	w.directoryDown = false
	return "", nil
}

func pass(w *world, a args) (string, error) {
	number, err := a.number()
	if err != nil {
		return "", err
	}
	unit, ok := units[strings.TrimSuffix(a["UNIT"], "s")]
	if !ok {
		return "", nonsense{fmt.Errorf("%s is no unit of time", a["UNIT"])}
	}
	w.now = w.now.Add(time.Duration(number) * unit)
	return "it is " + moment(w.now), nil
}

var units = map[string]time.Duration{"day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute, "second": time.Second}

func log(w *world, a args) (string, error) {
	events, err := collect(w.engine.Events(w.ctx, sharing.EventQuery{Image: a.image()}))
	return eventTable(events), err
}

// replay moves the world to a new store, which the log of the old one fills (R24).
func replay(w *world, _ args) (string, error) {
	to, err := w.open()
	if err != nil {
		return "", err
	}
	if err := sharing.Replay(w.ctx, to, w.engine.Events(w.ctx, sharing.EventQuery{})); err != nil {
		return "", err
	}
	w.store = to
	return "", w.restart()
}

func (a args) number() (int, error) {
	n, err := strconv.Atoi(a["NUMBER"])
	if err != nil {
		return 0, nonsense{err}
	}
	return n, nil
}
