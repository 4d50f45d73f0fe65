// SPDX-License-Identifier: MPL-2.0

use super::*;

const FINE: &str = "# budget_ms: 30\n# a.prior: 0.5\n# recorded on a Sunday\nt_ms,a.latency_ms,a.quality\n0,1.5,0.5\n40,2,0.25\n";

#[test]
fn a_matrix_is_read_with_its_remarks() {
    let matrix = read(FINE.as_bytes()).unwrap();
    assert_eq!(
        (matrix.frames(), matrix.budget_ms, matrix.period_ms),
        (2, 30.0, 40.0)
    );
    assert_eq!(matrix.columns[0].prior, Some(0.5));
    assert_eq!(matrix.columns[0].baseline_ms, None);
    assert_eq!(matrix.cell(1, 0).quality, 0.25);
}

#[test]
fn a_reader_may_know_better() {
    let timing = Timing {
        budget_ms: Some(12.0),
        period_ms: Some(16.0),
    };
    let matrix = read_timed(FINE.as_bytes(), timing).unwrap();
    assert_eq!((matrix.budget_ms, matrix.period_ms), (12.0, 16.0));
    // One row tells no period, and without a budget that is the period.
    let period = Timing {
        budget_ms: None,
        ..timing
    };
    let matrix = read_timed("t_ms,a.latency_ms,a.quality\n0,1,1\n".as_bytes(), period).unwrap();
    assert_eq!((matrix.budget_ms, matrix.period_ms), (16.0, 16.0));
}

#[test]
fn what_is_written_is_read_back() {
    let matrix = read(FINE.as_bytes()).unwrap();
    let mut file = Vec::new();
    write(&matrix, &mut file).unwrap();
    assert_eq!(read(file.as_slice()).unwrap(), matrix);
}

#[test]
fn what_the_machine_said_is_a_column_of_its_own() {
    let file = "# period_ms: 40\nt_ms,pressure,a.latency_ms,a.quality\n0,0.25,1.5,0.5\n40,1,2,0.25\n";
    let matrix = read(file.as_bytes()).unwrap();
    assert_eq!((matrix.pressure(0), matrix.pressure(1)), (Some(0.25), Some(1.0)));
    assert_eq!(matrix.cell(1, 0).latency_ms, 2.0);
    let mut written = Vec::new();
    write(&matrix, &mut written).unwrap();
    assert_eq!(read(written.as_slice()).unwrap(), matrix);
    assert_eq!(matrix.without_sense().pressure(0), None);
}

#[test]
fn an_empty_field_says_that_the_machine_told_nothing() {
    let file = "# period_ms: 40\nt_ms,pressure,a.latency_ms,a.quality\n0,,1.5,0.5\n40,0,2,0.25\n";
    let matrix = read(file.as_bytes()).unwrap();
    assert_eq!((matrix.pressure(0), matrix.pressure(1)), (None, Some(0.0)));
    assert!(matrix.is_sensed() && !matrix.clone().without_sense().is_sensed());
    let mut written = Vec::new();
    write(&matrix, &mut written).unwrap();
    assert_eq!(read(written.as_slice()).unwrap(), matrix);
}

#[test]
fn a_name_may_be_anything() {
    let mut matrix = read(FINE.as_bytes()).unwrap();
    matrix.columns[0].name = "large, \"fast\"".to_string();
    let mut file = Vec::new();
    write(&matrix, &mut file).unwrap();
    assert_eq!(read(file.as_slice()).unwrap(), matrix);
}

#[test]
fn a_file_of_another_system_tells_the_same_lines() {
    let file =
        "\u{feff}# budget_ms: 30\r\n\r\nt_ms, a.latency_ms, a.quality\r\n\r\n0, 1, 1\r\n\r\n40, soon, 1";
    let error = read(file.as_bytes()).unwrap_err().to_string();
    assert!(
        error.starts_with("line 7, column 2: a.latency_ms is 'soon'"),
        "{error}"
    );
    assert_eq!(
        read(file.replace("soon", "2").as_bytes()).unwrap().budget_ms,
        30.0
    );
    let error = read(&b"t_ms,a.latency_ms,a.quality\n0,1,1\n40,\xff,1\n"[..]).unwrap_err();
    assert!(
        error.to_string().starts_with("line 3, column 1: cannot be read"),
        "{error}"
    );
}

#[test]
fn an_error_names_line_column_and_remedy() {
    let cases = [
        ("", "line 1, column 1: there is no header line"),
        ("t_ms\n", "line 1, column 2: there is no candidate"),
        (
            "time,a.latency_ms,a.quality\n",
            "line 1, column 1: the header line begins with t_ms",
        ),
        (
            "t_ms,a.latency,a.quality\n",
            "line 1, column 2: 'a.latency' should be NAME.latency_ms",
        ),
        (
            "t_ms,a.latency_ms,b.quality\n",
            "line 1, column 3: a.latency_ms is followed by a.quality",
        ),
        (
            "t_ms,a.latency_ms,a.quality,a.latency_ms,a.quality\n",
            "line 1, column 4: candidate a is there twice",
        ),
        ("t_ms,a.latency_ms,a.quality\n", "there is no frame"),
        (
            "t_ms,a.latency_ms,a.quality\n0,1\n",
            "line 2, column 2: 2 fields instead of the header's 3",
        ),
        (
            "t_ms,a.latency_ms,a.quality\n0,1,1,1\n",
            "line 2, column 4: 4 fields",
        ),
        (
            "t_ms,a.latency_ms,a.quality\n0,fast,1\n",
            "line 2, column 2: a.latency_ms is 'fast'",
        ),
        ("t_ms,a.latency_ms,a.quality\n0,-1,1\n", "line 2, column 2"),
        (
            "t_ms,a.latency_ms,a.quality\n0,1e300,1\n",
            "line 2, column 2: a.latency_ms is '1e300'",
        ),
        (
            "t_ms,a.latency_ms,a.quality\n0,1,NaN\n",
            "line 2, column 3: a.quality is 'NaN'",
        ),
        (
            "t_ms,a.latency_ms,a.quality\n0,1,1.5\n",
            "line 2, column 3: a.quality is 1.5",
        ),
        (
            "t_ms,a.latency_ms,a.quality\n40,1,1\n0,1,1\n",
            "line 3, column 1: t_ms goes back from 40 to 0",
        ),
        (
            "t_ms,pressure,a.latency_ms,a.quality\n0,1.5,1,1\n",
            "line 2, column 2: pressure is 1.5; a share lies in 0 to 1",
        ),
        (
            "t_ms,pressure,a.latency_ms,a.quality\n0,0,fast,1\n",
            "line 2, column 3: a.latency_ms is 'fast'",
        ),
        ("t_ms,pressure\n", "line 1, column 3: there is no candidate"),
        ("# budget_ms: soon\n", "line 1, column 1: budget_ms is 'soon'"),
        (
            "# b.prior: 0.5\nt_ms,a.latency_ms,a.quality\n0,1,1\n40,1,1\n",
            "line 1, column 1: b.prior names no candidate of the header; known: a",
        ),
        (
            "# period_ms: 0\nt_ms,a.latency_ms,a.quality\n0,1,1\n",
            "line 1, column 1: period_ms is 0",
        ),
        ("t_ms,a.latency_ms,a.quality\n0,1,1\n", "one row tells no period"),
    ];
    for (file, expected) in cases {
        let error = read(file.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{file:?}: {error}");
    }
}

#[test]
fn a_device_is_a_number_that_comes_back() {
    let file = "# budget_ms: 40\n# period_ms: 40\n# b.device: 2\nt_ms,a.latency_ms,a.quality,b.latency_ms,b.quality\n0,1,1,1,1\n";
    let matrix = read(file.as_bytes()).unwrap();
    assert_eq!((matrix.columns[0].device, matrix.columns[1].device), (0, 2));
    let mut written = Vec::new();
    write(&matrix, &mut written).unwrap();
    assert_eq!(read(written.as_slice()).unwrap(), matrix);
    for (wrong, cause) in [
        ("c.device: 1", "names no candidate"),
        ("b.device: 1.5", "give 0 for the processor"),
        ("b.device: -1", "number of 0 or more"),
    ] {
        let error = read(file.replace("b.device: 2", wrong).as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("line 3") && error.contains(cause), "{error}");
    }
}
