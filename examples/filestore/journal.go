//go:build unix

package filestore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/imageshare/sharing"
)

// header is the first line of a journal, which says what the file is and in which format.
const header = "sharing journal 1\n"

// An entry holds the writes of one transaction, in their order.
type entry []write

// A write is one call of a transaction: exactly one of the fields is set.
type write struct {
	Image    *sharing.ImageRecord    `json:",omitempty"`
	Shares   []sharing.Share         `json:",omitempty"`
	Unshared *unshared               `json:",omitempty"`
	Instance *sharing.InstanceRecord `json:",omitempty"`
	Trust    *trust                  `json:",omitempty"`
	Appended []sharing.Event         `json:",omitempty"`
}

type unshared struct {
	Image    sharing.ImageID
	Grantees []sharing.Grantee
}

type trust struct {
	Account sharing.AccountID
	Trust   sharing.Trust
}

// apply makes the writes.
func (e entry) apply(tx sharing.UpdateTx) error {
	for _, w := range e {
		var err error
		switch {
		case w.Image != nil:
			err = tx.PutImage(*w.Image)
		case w.Shares != nil:
			err = tx.PutShares(w.Shares)
		case w.Unshared != nil:
			err = tx.DeleteShares(w.Unshared.Image, w.Unshared.Grantees)
		case w.Instance != nil:
			err = tx.PutInstance(*w.Instance)
		case w.Trust != nil:
			err = tx.PutTrust(w.Trust.Account, w.Trust.Trust)
		case w.Appended != nil:
			err = tx.Append(w.Appended)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An update is a transaction that reads as its ViewTx does, and keeps what is written for the commit.
type update struct {
	sharing.ViewTx
	ctx   context.Context
	entry entry
}

func (tx *update) add(w write) error {
	tx.entry = append(tx.entry, w)
	return tx.ctx.Err()
}

func (tx *update) PutImage(rec sharing.ImageRecord) error       { return tx.add(write{Image: &rec}) }
func (tx *update) PutShares(shares []sharing.Share) error       { return tx.add(write{Shares: shares}) }
func (tx *update) PutInstance(rec sharing.InstanceRecord) error { return tx.add(write{Instance: &rec}) }
func (tx *update) Append(events []sharing.Event) error          { return tx.add(write{Appended: events}) }

func (tx *update) DeleteShares(image sharing.ImageID, grantees []sharing.Grantee) error {
	return tx.add(write{Unshared: &unshared{image, grantees}})
}

func (tx *update) PutTrust(account sharing.AccountID, t sharing.Trust) error {
	return tx.add(write{Trust: &trust{account, t}})
}

// line returns the entry as a line of the journal: a checksum, and the writes as JSON.
func (e entry) line() ([]byte, error) {
	text, err := json.Marshal(e)
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), err
}

// parse is the inverse of line.
func parse(line []byte) (e entry, err error) {
	sum, text, _ := bytes.Cut(line, []byte(" "))
	if string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(bytes.TrimSuffix(text, []byte("\n")))) {
		return nil, errors.New("the checksum is wrong")
	}
	err = json.Unmarshal(text, &e)
	return e, err
}

// readJournal calls apply with each entry, and returns where the last one ends. An incomplete last line is what a crash
// left, and does not count; any other line that can't be read is an error, never a change left out.
func readJournal(journal io.Reader, apply func(entry) error) (end int64, err error) {
	lines := bufio.NewReader(journal)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case number == 1 && string(line) != header:
			if errors.Is(err, io.EOF) && strings.HasPrefix(header, string(line)) {
				return 0, nil
			}
			return 0, errors.New("it is no journal of a store, or of another version")
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return 0, err
		}
		if number > 1 {
			e, err := parse(line)
			if err == nil {
				err = apply(e)
			}
			if err != nil {
				return 0, fmt.Errorf("line %d: %w", number, err)
			}
		}
		end += int64(len(line))
	}
}
