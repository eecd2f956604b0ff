//! Every known way to attack a DTLS client, and the tests that try it. The list is that of faults found in other
//! implementations.

/// What is tried, and by which tests.
const LINES: [(&str, &[&str]); 67] = [
    // 1
    (
        "ChangeCipherSpec before our ClientKeyExchange",
        &["state_machine::a_change_cipher_spec_before_the_key_exchange_installs_nothing"],
    ),
    // 2
    (
        "ChangeCipherSpec as the very first packet",
        &["state_machine::a_change_cipher_spec_as_the_very_first_packet_is_ignored"],
    ),
    // 3
    (
        "Finished before ChangeCipherSpec, or in the clear",
        &[
            "state_machine::a_finished_before_the_change_cipher_spec_is_dropped",
            "state_machine::a_finished_in_the_clear_is_dropped",
        ],
    ),
    // 4
    (
        "second or malformed ChangeCipherSpec",
        &["state_machine::further_and_malformed_change_cipher_specs_are_ignored"],
    ),
    // 5
    (
        "ServerHelloDone without ServerKeyExchange in an ECDHE suite",
        &["state_machine::a_hello_done_without_the_key_exchange_fails_with_ecdhe"],
    ),
    // 6
    (
        "ServerKeyExchange without a signature",
        &["state_machine::an_unsigned_or_anonymous_key_exchange_fails"],
    ),
    // 7
    (
        "Certificate missing with ECDSA, or there with PSK",
        &["state_machine::a_missing_certificate_fails_and_so_does_one_with_a_pre_shared_key"],
    ),
    // 8
    (
        "ServerHello chooses what was not offered",
        &[
            "negotiation::a_hello_that_chooses_what_was_not_offered_fails",
            "negotiation::an_extension_that_was_not_offered_fails",
            "negotiation::another_curve_fails",
        ],
    ),
    // 9
    (
        "raw public key that was never offered",
        &["negotiation::a_raw_public_key_that_was_never_offered_is_refused"],
    ),
    // 10
    (
        "certificate for raw public key, and the reverse",
        &["negotiation::a_certificate_where_a_raw_public_key_was_negotiated_is_refused"],
    ),
    // 11
    ("messages that come twice", &["state_machine::repeated_messages_are_not_processed_again"]),
    // 12
    (
        "CertificateRequest and HelloRequest out of place",
        &[
            "sessions::hello_requests_change_nothing_and_nobody_renegotiates",
            "state_machine::a_certificate_request_after_the_hello_done_changes_nothing",
        ],
    ),
    // 13
    ("handshake messages in a session", &["sessions::no_handshake_message_moves_an_established_session"]),
    // 14
    ("application data in epoch 0", &["sessions::application_data_in_the_clear_is_dropped"]),
    // 15
    ("Finished with wrong verify_data", &["state_machine::a_finished_with_wrong_data_fails"]),
    // 16
    ("Finished of another length", &["state_machine::a_finished_of_another_length_fails"]),
    // 17
    ("reflection of our records", &["sessions::our_own_records_sent_back_are_dropped"]),
    // 18
    (
        "resumption with another suite, without EMS, of nothing",
        &[
            "sessions::a_session_is_resumed_only_as_it_was",
            "sessions::a_session_is_not_resumed_with_another_suite",
            "sessions::a_session_that_was_never_made_is_not_resumed",
        ],
    ),
    // 19
    (
        "a session of server A offered to server B, or made when others were trusted",
        &[
            "sessions::a_session_of_another_server_is_not_offered",
            "sessions::a_session_is_not_offered_when_other_certificates_are_trusted",
        ],
    ),
    // 20
    (
        "HelloVerifyRequests: endless, truncated, every cookie",
        &[
            "negotiation::cookies_are_bounded_and_kept_to_the_letter",
            "negotiation::endless_and_truncated_hello_verify_requests_are_bounded",
        ],
    ),
    // 21
    (
        "EMS missing, renegotiation_info not empty",
        &[
            "negotiation::a_server_without_the_extended_master_secret_fails_by_policy",
            "negotiation::a_renegotiation_indication_that_is_not_empty_fails",
        ],
    ),
    // 22
    ("downgrade by a stripped hello", &["negotiation::a_stripped_hello_is_noticed"]),
    // 23
    ("replay", &["records::replays_inside_and_behind_the_window_are_dropped"]),
    // 24
    ("forged record ahead of the window", &["records::a_forged_record_does_not_move_the_window"]),
    // 25
    ("other epochs", &["records::other_epochs_are_dropped_and_not_kept"]),
    // 26
    (
        "record lengths, truncated headers",
        &["records::truncated_and_overlong_records_leave_the_next_datagram_alone"],
    ),
    // 27
    (
        "records shorter than nonce and tag, empty ones",
        &["records::records_shorter_than_nonce_and_tag_are_dropped_and_empty_ones_hand_out_nothing"],
    ),
    // 28
    ("every flipped bit", &["records::any_flipped_bit_is_dropped_silently_and_the_session_survives"]),
    // 29
    (
        "floods of bad tags",
        &[
            "records::a_flood_of_bad_tags_is_counted_and_answered_with_silence",
            "records::the_forgery_limit_ends_the_session",
            "server_half::the_forgery_limit_ends_the_session",
        ],
    ),
    // 30
    (
        "plain alerts",
        &[
            "records::plain_alerts_end_a_handshake_but_never_a_session",
            "records::authentic_alerts_end_the_session",
        ],
    ),
    // 31
    ("plain handshake records in a session", &["records::plain_handshake_records_do_not_kill_a_session"]),
    // 32
    ("a record that spans a key change", &["records::a_record_does_not_span_a_key_change"]),
    // 33
    ("CBC: padding and MAC told apart", &["cbc::cbc_faults_cannot_be_told_apart"]),
    // 34
    (
        "IVs and nonces",
        &["cbc::cbc_initialisation_vectors_never_repeat", "records::nonces_are_epoch_and_sequence_number"],
    ),
    // 35
    ("the end of the sequence numbers", &["records::the_last_sequence_numbers_are_not_used"]),
    // 36
    (
        "connection IDs that are wrong or not negotiated",
        &[
            "connection_ids::connection_ids_are_checked_to_the_letter",
            "cbc::cbc_covers_connection_ids",
            "connection_ids::a_connection_id_record_without_negotiation_is_dropped",
        ],
    ),
    // 37
    ("connection IDs of every length", &["connection_ids::connection_ids_of_every_length"]),
    // 38
    ("connection ID after resumption", &["connection_ids::a_resumed_session_uses_its_new_connection_id"]),
    // 39
    ("plaintext of a record that is not authentic", &["records::a_failed_record_is_wiped"]),
    // 40
    (
        "fragments that contradict each other",
        &[
            "fragments::contradicting_fragments_are_dropped",
            "fragments::a_message_longer_than_the_buffer_is_reported",
            "resources::a_forged_fragment_is_not_in_the_way_for_ever",
        ],
    ),
    // 41
    ("fragments of different messages", &["fragments::fragments_of_different_messages_are_not_merged"]),
    // 42
    ("empty fragments", &["fragments::endless_empty_fragments_are_harmless"]),
    // 43
    ("future messages", &["fragments::endless_future_messages_are_dropped"]),
    // 44
    ("gaps in messages", &["fragments::gaps_are_never_read"]),
    // 45
    ("messages cut at every byte, trailing bytes", &["parsing::messages_cut_anywhere_fail_cleanly"]),
    // 46
    (
        "lengths within Certificate",
        &[
            "certificates::malformed_certificate_messages_are_refused",
            "key_exchange::odd_raw_public_keys_are_refused",
        ],
    ),
    // 47
    ("odd fields of ServerHello", &["parsing::hellos_with_odd_fields_fail"]),
    // 48
    ("PSK hints", &["parsing::identity_hints_of_any_length"]),
    // 49
    ("points that are none", &["key_exchange::points_off_the_curve_are_refused"]),
    // 50
    (
        "signatures that are none",
        &["key_exchange::impossible_signatures_are_refused", "certificates::signatures_of_authorities"],
    ),
    // 51
    (
        "signatures over something else",
        &["key_exchange::signatures_over_other_randoms_or_params_are_refused"],
    ),
    // 52
    (
        "validity",
        &["certificates::expired_and_not_yet_valid", "certificates::a_bad_signature_comes_before_the_date"],
    ),
    // 53
    (
        "chains",
        &[
            "certificates::intermediates_must_be_authorities",
            "certificates::a_leaf_must_be_for_servers",
            "certificates::another_kind_of_key_is_refused",
            "certificates::path_lengths_and_depth_are_limited",
            "certificates::path_lengths_of_any_size_are_read",
            "certificates::a_renewed_key_of_an_authority_is_no_step_of_a_chain",
            "certificates::a_chain_in_another_order_is_refused",
            "certificates::strangers_and_sent_anchors_are_not_trusted",
        ],
    ),
    // 54
    (
        "names",
        &[
            "names::names_are_compared_whole",
            "names::a_common_name_counts_only_where_it_is_allowed",
            "names::addresses_are_compared_as_addresses",
            "names::a_missing_name_is_refused_before_the_handshake",
        ],
    ),
    // 55
    ("pinning", &["names::pinning_compares_the_whole_certificate"]),
    // 56
    (
        "usages without anything to trust",
        &[
            "names::the_four_usages",
            "names::the_given_authority_is_looked_for_beside_and_above_other_anchors",
            "names::nothing_to_trust_is_refused_before_the_handshake",
        ],
    ),
    // 57
    (
        "critical extensions, name constraints",
        &["certificates::unknown_critical_extensions_and_name_constraints_are_refused"],
    ),
    // 58
    (
        "silence",
        &[
            "resources::a_silent_server_gets_a_bounded_number_of_bytes_on_schedule",
            "resources::silence_after_the_last_flight_is_told_apart",
        ],
    ),
    // 59
    (
        "amplification",
        &[
            "resources::a_flood_of_repeated_flights_is_not_amplified",
            "resources::the_last_flight_of_a_resumed_handshake_is_repeated_within_reason",
        ],
    ),
    // 60
    ("abandoned handshakes", &["resources::a_handshake_abandoned_anywhere_does_not_stick"]),
    // 61
    ("after the close", &["resources::nothing_is_delivered_after_a_close"]),
    // 62
    (
        "server half: cookies, resumption",
        &[
            "server_half::no_state_before_a_good_cookie",
            "server_half::resumption_does_not_go_around_the_cookie",
            "server_half::a_session_with_another_master_secret_is_not_resumed",
            "server_half::a_session_of_a_key_that_is_not_known_any_more_is_not_resumed",
        ],
    ),
    // 63
    ("no random numbers", &["resources::a_failing_generator_sends_nothing"]),
    // 64
    ("datagrams that do not fit", &["resources::an_oversized_datagram_is_an_event"]),
    // 65
    (
        "answers to a short first hello: forged, late, repeated, of servers that look at nothing else",
        &[
            "short_hello::an_answer_without_a_cookie_begins_the_handshake_again",
            "short_hello::a_refusal_begins_the_handshake_again",
            "short_hello::half_an_answer_to_the_short_hello_is_forgotten",
            "short_hello::a_server_that_refuses_both_hellos_ends_the_handshake",
            "short_hello::a_server_that_looks_only_at_the_short_hello_gets_a_whole_one_first",
            "short_hello::a_server_that_has_not_heard_our_alert_gets_it_again",
            "short_hello::three_cookies_are_taken_after_a_short_hello",
            "short_hello::forged_answers_are_not_amplified",
        ],
    ),
    // 66
    (
        "stored sessions: numbers twice, limits forgotten",
        &[
            "storage::a_repeated_flight_takes_no_number_that_is_stored",
            "storage::the_last_alert_does_not_use_a_number_twice",
            "storage::forgeries_are_counted_over_a_sleep",
            "storage::the_limit_of_the_servers_records_is_kept_over_a_sleep",
            "storage::a_restored_session_has_no_events_of_another",
        ],
    ),
    // 67
    (
        "a session that the server declines, or ends at once",
        &[
            "sessions::a_hello_goes_out_again_with_the_session_that_was_declined",
            "sessions::a_declined_session_is_not_offered_again",
            "sessions::a_session_that_ends_at_once_is_told_of",
        ],
    ),
];

const SOURCES: [(&str, &str); 15] = [
    ("state_machine", include_str!("state_machine.rs")),
    ("negotiation", include_str!("negotiation.rs")),
    ("sessions", include_str!("sessions.rs")),
    ("records", include_str!("records.rs")),
    ("cbc", include_str!("cbc.rs")),
    ("connection_ids", include_str!("connection_ids.rs")),
    ("fragments", include_str!("fragments.rs")),
    ("parsing", include_str!("parsing.rs")),
    ("key_exchange", include_str!("key_exchange.rs")),
    ("certificates", include_str!("certificates.rs")),
    ("names", include_str!("names.rs")),
    ("resources", include_str!("resources.rs")),
    ("storage", include_str!("storage.rs")),
    ("server_half", include_str!("server_half.rs")),
    ("short_hello", include_str!("short_hello.rs")),
];

/// A test that is renamed or removed is missed here.
#[test]
fn every_line_has_its_tests() {
    for (what, tests) in LINES {
        assert!(!tests.is_empty(), "{what}");
        for test in tests {
            let (module, name) = test.split_once("::").expect("a path");
            let (_, source) =
                SOURCES.iter().find(|(known, _)| *known == module).expect("a file of this folder");
            assert!(source.contains(&format!("#[test]\nfn {name}() {{")), "{what}: there is no test {test}");
        }
    }
}

/// And a test that is in no line is found here, unless it is about something else.
#[test]
fn every_test_is_in_a_line() {
    let named: Vec<&str> = LINES.iter().flat_map(|(_, tests)| tests.iter().copied()).collect();
    let of_all = SOURCES.iter().flat_map(|(module, source)| {
        let tests = source.split("#[test]\nfn ").skip(1);
        tests.map(move |test| format!("{module}::{}", test.split('(').next().unwrap_or_default()))
    });
    let others: Vec<String> = of_all.filter(|test| !named.contains(&test.as_str())).collect();
    assert_eq!(others, OTHERS);
}

/// Tests of the script itself, and of what is allowed.
const OTHERS: [&str; 7] = [
    "state_machine::the_script_can_keep_to_the_rules",
    "certificates::a_good_certificate_connects",
    "certificates::serial_numbers_do_not_matter",
    "resources::too_small_a_buffer_changes_nothing",
    "short_hello::the_first_hello_has_no_extensions_and_the_second_has_all",
    "short_hello::a_session_is_offered_in_a_whole_hello",
    "short_hello::a_hello_that_is_not_answered_in_time_is_repeated_whole",
];
