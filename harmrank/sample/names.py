"""Invented names, plain and as mixed as London. Any likeness to a real person is chance.

A name is drawn from one family of names, and the family says nothing of what else happens to a person.
"""

from __future__ import annotations

# Each line: forenames of men, forenames of women, surnames.
FAMILIES: tuple[tuple[str, str, str], ...] = (
    (
        "Jack Thomas Harry George Daniel Adam Luke Ben Sam Joe Peter Simon Paul Mark Neil Gary Kevin Lee Craig Dean",
        "Emma Lucy Sarah Kate Amy Laura Jane Helen Anna Ruth Alice Grace Chloe Megan Holly Gemma Lisa Karen Julie Zoe",
        "Archer Baker Barton Brook Carter Cooper Dale Field Fletcher Ford Gale Gardner Harris Hill Holt Hunter Kerr "
        "Lamb Lane Marsh Mason Mills Moss Nash Page Parker Porter Reed Shaw Stone Turner Wade Walker Webb West Wood",
    ),
    (
        "Liam Sean Connor Declan Ryan Owen Rhys Gareth Callum Fraser Ewan Aidan Patrick Niall",
        "Niamh Ciara Siobhan Bronwen Rhian Cerys Morag Isla Eilidh Fiona Aoife Bridget Maeve Una",
        "Byrne Kelly Doyle Nolan Quinn Farrell Brady Hughes Morgan Price Powell Griffiths Muir Lennox Baird Kerrigan",
    ),
    (
        "Marlon Leroy Dwayne Jermaine Andre Curtis Tyrone Delroy Errol Winston",
        "Shanice Keisha Monique Chantelle Yvonne Marcia Beverley Simone Natalie Jade",
        "Campbell Grant Bailey Francis Henry Bennett Clarke Gordon Reid Palmer Facey Dacosta",
    ),
    (
        "Emeka Tunde Kwame Kofi Ade Chidi Femi Yaw Ikenna Sola Kojo Segun",
        "Ngozi Abena Folake Adaeze Yetunde Akua Ifeoma Esi Bisi Temi Efua Chioma",
        "Adeyemi Okafor Mensah Boateng Owusu Balogun Eze Asante Nwosu Addo Ojo Amadi",
    ),
    (
        "Abdi Hassan Yusuf Ismail Idris Dawit Samuel Farah Mahad Tesfaye",
        "Hodan Sagal Ayaan Hibo Amina Hanna Selam Marwa Sahra Fartun",
        "Warsame Jama Elmi Hersi Gebre Tekle Osman Dirie Farole Guled",
    ),
    (
        "Imran Tariq Bilal Kamran Rashid Shahid Faisal Nadeem Rafiq Jamal Shamim Habib",
        "Ayesha Fatima Nadia Saima Rukhsana Shabnam Nasreen Sultana Farzana Rehana Tahira Nargis",
        "Malik Chowdhury Hussain Iqbal Miah Uddin Sheikh Rahman Begg Qureshi Alam Siddique",
    ),
    (
        "Raj Anil Vikram Sanjay Harjit Gurpreet Nikhil Suresh Ravi Manoj Arun Deepak",
        "Priya Anjali Meena Sunita Jasleen Harpreet Kavita Nisha Divya Rekha Geeta Asha",
        "Patel Shah Desai Gill Sandhu Grewal Nair Iyer Mehta Joshi Rao Bhatt",
    ),
    (
        "Marek Piotr Tomasz Andrei Ionut Mihai Kamil Pawel Vasil Radu Darius Jonas",
        "Agnieszka Kasia Ewa Ioana Elena Magda Monika Raluca Daria Ruta Zuzanna Alina",
        "Kowal Nowicki Zielin Popa Radescu Dumitru Mazur Wilk Petrov Stoica Balan Jonaitis",
    ),
    (
        "Mehmet Emre Hakan Murat Kemal Andreas Costas Stavros Ali Reza",
        "Ayse Elif Zeynep Derya Selin Maria Eleni Despina Leyla Shirin",
        "Yilmaz Demir Kaya Aydin Georgiou Pavlou Christou Karimi Sahin Arslan",
    ),
    (
        "Tiago Rui Carlos Diego Luis Mateus Wei Jun Minh Hao",
        "Ines Beatriz Camila Lucia Rosa Paula Mei Ling Lan Hui",
        "Silva Costa Pereira Gomez Rojas Mendes Chen Wong Tran Pham",
    ),
)
FAMILY_SHARES = (40, 9, 8, 9, 6, 9, 7, 6, 3, 3)

MALE: tuple[str, ...] = tuple(name for men, _, _ in FAMILIES for name in men.split())
FEMALE: tuple[str, ...] = tuple(name for _, women, _ in FAMILIES for name in women.split())
FORENAMES = MALE + FEMALE
SURNAMES: tuple[str, ...] = tuple(name for _, _, last in FAMILIES for name in last.split())

# Self-defined ethnicity, the 18+1 codes of the 2011 census as police records write them.
ETHNICITIES = (
    "W1",
    "W2",
    "W3",
    "W9",
    "M1",
    "M2",
    "M3",
    "M9",
    "A1",
    "A2",
    "A3",
    "A4",
    "A9",
    "B1",
    "B2",
    "B9",
    "O2",
    "O9",
    "NS",
)
ETHNICITY_SHARES = (33, 2, 0.2, 13, 1.5, 1, 1.2, 1.6, 6.5, 3, 3.5, 1.6, 4, 4, 7, 3, 1.5, 3, 9)
