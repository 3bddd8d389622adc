package script

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/imageshare/sharing"
)

// table lays out rows, the first of which is the heading, in columns. Without rows but that, there are none to show.
func table(rows [][]string) string {
	if len(rows) == 1 {
		return "none"
	}
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// moment shows a time, as far as scenarios tell them apart.
func moment(t time.Time) string { return t.Format("2006-01-02 15:04") }

// imageFacts says in a line what an image is like.
func imageFacts(img sharing.Image) string {
	facts := []string{fmt.Sprintf("%s: owned by %s, in %s, %s", img.ID, img.Owner, img.Region, img.State)}
	add := func(holds bool, format string, args ...any) {
		if holds {
			facts = append(facts, fmt.Sprintf(format, args...))
		}
	}
	if d := img.Deprecation; d != nil {
		add(d.Notice != "", "notice %q", d.Notice)
		add(d.Replacement != "", "replaced by %s", d.Replacement)
	}
	add(img.Name != "", "name %s", img.Name)
	add(img.Family != "", "family %s", img.Family)
	add(img.Architecture != "", "arch %s", img.Architecture)
	add(img.Digest != "", "digest %s", shortDigest(img.Digest))
	add(img.Size != 0, "size %d", img.Size)
	for _, key := range slices.Sorted(maps.Keys(img.Labels)) {
		add(true, "label:%s=%s", key, img.Labels[key])
	}
	add(img.Protected, "protected")
	add(img.Sealed, "sealed")
	add(img.Source.Image != "", "made from image %s", img.Source.Image)
	add(img.Source.Instance != "", "captured from %s", img.Source.Instance)
	return strings.Join(facts, "; ")
}

// shortDigest shows a digest as scenarios write it.
func shortDigest(d string) string {
	if digit := strings.TrimPrefix(d, "sha256:"); digit != "" && d == digest(digit[:1]) {
		return digit[:1]
	}
	return d
}

func imageTable(images []sharing.Image) string {
	rows := [][]string{{"image", "owner", "region", "state"}}
	for _, img := range images {
		rows = append(rows, []string{string(img.ID), string(img.Owner), string(img.Region), img.State.String()})
	}
	return table(rows)
}

func instanceFacts(inst sharing.Instance) string {
	return fmt.Sprintf("%s: owned by %s, in %s, disk %d made from %s", inst.ID, inst.Owner, inst.Region, inst.DiskGeneration, inst.Image)
}

func instanceTable(instances []sharing.Instance) string {
	rows := [][]string{{"instance", "region", "disk", "made from"}}
	for _, inst := range instances {
		rows = append(rows, []string{string(inst.ID), string(inst.Region), fmt.Sprint(inst.DiskGeneration), string(inst.Image)})
	}
	return table(rows)
}

func shareTable(shares []sharing.Share) string {
	rows := [][]string{{"image", "grantee", "status", "since", "until"}}
	for _, share := range shares {
		until := "-"
		if !share.Expires.IsZero() {
			until = moment(share.Expires)
		}
		rows = append(rows, []string{string(share.Image), string(share.Grantee), share.Status.String(), moment(share.CreatedAt), until})
	}
	return table(rows)
}

func eventTable(events []sharing.Event) string {
	rows := [][]string{{"at", "actor", "event", "image", "number", "about"}}
	for _, ev := range events {
		var about []string
		if ev.Instance != "" {
			about = append(about, string(ev.Instance))
		}
		for _, share := range ev.Shares {
			about = append(about, string(share.Grantee))
		}
		for _, g := range ev.Ended {
			about = append(about, string(g))
		}
		if ev.Untrusted {
			about = append(about, "untrusted")
		}
		image, number := "-", "-"
		if ev.Image != "" {
			image, number = string(ev.Image), fmt.Sprint(ev.Sequence)
		}
		rows = append(rows, []string{moment(ev.At), string(ev.Actor), string(ev.Kind), image, number, cmp.Or(strings.Join(about, " "), "-")})
	}
	return table(rows)
}

func impactFacts(impact sharing.Impact) string {
	var shares, instances []string
	for _, share := range impact.Shares {
		shares = append(shares, string(share.Grantee))
	}
	for _, account := range slices.Sorted(maps.Keys(impact.Instances)) {
		instances = append(instances, fmt.Sprintf("%d of %s", impact.Instances[account], account))
	}
	return "shares that would end: " + cmp.Or(strings.Join(shares, ", "), "none") +
		"\ninstances that could not be reinitialised any more: " + cmp.Or(strings.Join(instances, ", "), "none")
}

func exposureFacts(x sharing.Exposure) string {
	images := [][]string{{"made from it", "owner", "by", "of"}}
	for _, img := range x.Images {
		by := "copy"
		if img.Captured {
			by = "capture"
		}
		images = append(images, []string{string(img.Image), string(img.Owner), by, cmp.Or(string(img.Source), "-")})
	}
	holders := [][]string{{"held by", "image", "from", "to", "disks", "captures"}}
	for _, holder := range x.Holders {
		for _, h := range holder.Holdings {
			to := "now"
			if !h.To.IsZero() {
				to = moment(h.To)
			}
			holders = append(holders, []string{
				string(holder.Grantee), cmp.Or(string(h.Image), "-"), moment(h.From), to,
				fmt.Sprint(holder.Instances), fmt.Sprint(holder.Captures),
			})
		}
	}
	return "images made from it that its owner sees:" + below(table(images)) +
		"\nwho ever held a share:" + below(table(holders)) +
		fmt.Sprintf("\nbeyond that: %d images, %d accounts, %d shares, %d system disks",
			x.Beyond.Images, x.Beyond.Accounts, x.Beyond.Shares, x.Beyond.Instances)
}

// below puts a table under its title, and "none" beside it.
func below(table string) string {
	if table == "none" {
		return " none"
	}
	return "\n  " + strings.ReplaceAll(table, "\n", "\n  ")
}
